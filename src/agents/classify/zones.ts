/** What a person wrote, and what they pasted. */
export interface Zones {
  readonly prose: string;
  readonly pasted: string;
}

const comment = /<!--[\s\S]*?(?:-->|$)/g;
const address = /\bhttps?:\/\/\S+/g;
/** What a template says by itself: `Click on '....'`, `Browser [e.g. chrome, safari]`. */
const hint = /\[e\.g\.|'\.{3,}'/;
const fence = /^\s*(`{3,}|~{3,})/;
/** Quoted, indented as code is, or the output of a program. */
const quoted = /^(?:>| {4,}|\t|\s*(?:at |File "|Traceback |\$ |\[?\d{2}:\d{2}:|\d{4}-\d\d-\d\d[ T]|npm (?:ERR|error)))/;
const logged = /^\s*\[?(?:ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL)\b|^[\w.]+(?:Error|Exception):/;
/** `- Browser: Safari 17`, as issue templates ask for it. */
const fact =
  /^\s*(?:[-*]\s*)?\**(?:browser|os|version|device|platform|environment|node|docker|database)(?: version)?\**\s*:/i;

/** Pasted text names whatever happens to run: it counts, but little. Links and comments of a template do not count. */
export function zonesOf(text: string): Zones {
  const zones = { prose: [] as string[], pasted: [] as string[] };
  let open: string | null = null;
  for (const line of text.replaceAll(comment, '').split('\n')) {
    const mark = fence.exec(line)?.[1] ?? null;
    if (open !== null && mark?.startsWith(open)) open = null;
    else if (open === null && mark !== null) open = mark;
    else if (!hint.test(line))
      (open !== null || isPasted(line) ? zones.pasted : zones.prose).push(line.replaceAll(address, ' '));
  }
  return { prose: zones.prose.join('\n'), pasted: zones.pasted.join('\n') };
}

const isPasted = (line: string): boolean => quoted.test(line) || logged.test(line) || fact.test(line);
