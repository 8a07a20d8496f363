// Zooming, moving and pointing. The picture itself is in the document and needs none of this.
const main = document.querySelector('main');
const canvas = document.querySelector('.canvas');
const corner = document.querySelector('.corner');
const tip = document.getElementById('tip');
const focus = document.head.appendChild(document.createElement('style'));
const endMs = Number(canvas.dataset.end);
let zoom = 1;

const trackWidth = () => (main.clientWidth - corner.offsetWidth) * zoom;

// ── time axis: only the ticks in sight, at a distance that leaves room for their labels ──
const steps = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 216e5,
  864e5,
];
const two = (value) => String(value).padStart(2, '0');
function label(ms, step) {
  const hours = Math.floor(ms / 36e5);
  const rest = `${two(Math.floor(ms / 6e4) % 60)}:${two(Math.floor(ms / 1e3) % 60)}`;
  return (
    (hours > 0 ? `${hours}:` : '') + rest + (step < 1e3 ? `.${String(Math.round(ms % 1e3)).padStart(3, '0')}` : '')
  );
}
function drawTicks() {
  const perMs = trackWidth() / endMs;
  const step = steps.find((one) => one * perMs >= 90) ?? steps.at(-1);
  const from = Math.max(0, Math.floor(main.scrollLeft / perMs / step));
  const until = Math.min(endMs / step, (main.scrollLeft + main.clientWidth) / perMs / step);
  let ticks = '';
  for (let index = from; index <= until; index += 1) {
    ticks += `<div class="tick" style="left:${index * step * perMs}px"><span>${label(index * step, step)}</span></div>`;
  }
  for (const place of document.querySelectorAll('.ticks')) place.innerHTML = ticks;
}

// ── zoom about a place of the window, which stays where it is ──
function zoomTo(wanted, atX) {
  const offset = atX - main.getBoundingClientRect().left - corner.offsetWidth;
  const share = (main.scrollLeft + offset) / trackWidth();
  // No wider than browsers lay out, and no closer than 200 ms to the window.
  zoom = Math.max(1, Math.min(wanted, endMs / 200, 1e7 / main.clientWidth));
  canvas.style.setProperty('--zoom', zoom);
  main.scrollLeft = share * trackWidth() - offset;
  drawTicks();
}
const zoomAtMiddle = (factor) =>
  zoomTo(factor === 0 ? 1 : zoom * factor, main.clientWidth / 2 + corner.offsetWidth / 2);

main.addEventListener(
  'wheel',
  (event) => {
    const isSideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (event.shiftKey || isSideways || event.target.closest('.name')) return;
    event.preventDefault();
    zoomTo(zoom * 1.0015 ** -event.deltaY, event.clientX);
  },
  { passive: false },
);
document.addEventListener('click', (event) => {
  const factor = event.target.dataset?.zoom;
  if (factor !== undefined) zoomAtMiddle(Number(factor));
});
document.addEventListener('keydown', ({ key }) => {
  if (key === '+' || key === '=') zoomAtMiddle(2);
  if (key === '-') zoomAtMiddle(0.5);
  if (key === '0') zoomAtMiddle(0);
});
main.addEventListener('dblclick', (event) => zoomTo(zoom * 4, event.clientX));

// ── drag ──
main.addEventListener('pointerdown', (event) => {
  if (event.button !== 0 || event.pointerType !== 'mouse' || event.target === main) return;
  const from = { x: event.clientX + main.scrollLeft, y: event.clientY + main.scrollTop };
  const move = ({ clientX, clientY }) => main.scrollTo(from.x - clientX, from.y - clientY);
  main.classList.add('dragging');
  document.addEventListener('pointermove', move);
  document.addEventListener(
    'pointerup',
    () => {
      main.classList.remove('dragging');
      document.removeEventListener('pointermove', move);
    },
    { once: true },
  );
});

// ── point: what it is, and everything else of the same task ──
main.addEventListener('pointerover', ({ target }) => {
  const from = target.closest('[title], [data-tip]');
  if (from?.title) {
    from.dataset.tip = from.title;
    from.removeAttribute('title');
  }
  tip.hidden = from === null;
  tip.textContent = from?.dataset.tip ?? '';
  const task = target.dataset.task;
  focus.textContent = task === undefined ? '' : `.track > [data-task]:not([data-task="${task}"]) { opacity: 0.22 }`;
});
main.addEventListener('pointerleave', () => {
  tip.hidden = true;
  focus.textContent = '';
});
main.addEventListener('pointermove', ({ clientX, clientY }) => {
  tip.style.left = `${Math.min(clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.min(clientY + 16, innerHeight - tip.offsetHeight - 8)}px`;
});

main.addEventListener('scroll', drawTicks);
addEventListener('resize', drawTicks);
drawTicks();
