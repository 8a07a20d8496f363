/** Numbers as people read them. Everything here is pure: the same figure is the same text everywhere. */

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export const count = (value: number): string => grouped.format(value);

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** Three significant digits at most, and no more than one after the point. */
const short = (value: number): string => (value >= 100 ? count(value) : String(Math.round(value * 10) / 10));

/** `12 ms`, `3.4 s`, `7.5 min`, `2.1 h` */
export function duration(ms: number): string {
  if (ms < 1_000) return `${ms < 10 ? short(ms) : Math.round(ms)} ms`;
  if (ms < 120_000) return `${short(ms / 1_000)} s`;
  return ms < 2 * 3_600_000 ? `${short(ms / 60_000)} min` : `${short(ms / 3_600_000)} h`;
}

/** Virtual time as on a stopwatch: `12:34.567`, `1:02:03.004`. */
export function clock(ms: number): string {
  const whole = Math.floor(ms);
  const part = (value: number, digits = 2): string => String(value).padStart(digits, '0');
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor(whole / 60_000) % 60;
  const rest = `${part(Math.floor(whole / 1_000) % 60)}.${part(whole % 1_000, 3)}`;
  return hours === 0 ? `${minutes}:${rest}` : `${hours}:${part(minutes)}:${rest}`;
}

export function bytes(value: number): string {
  if (value < 1_000) return `${short(value)} B`;
  return value < 1e6 ? `${short(value / 1e3)} kB` : `${short(value / 1e6)} MB`;
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;
