import { byText } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import { specialtySchema } from '../../protocol/record.ts';
import { specialtyOfLabel } from './lexicon.ts';

/** `specialty:mobile` asks for one that only these PCs know. */
const ownName = /^specialty[:/]\s*(.+)$/;
/** Of `area-frontend` and `kind/flake` the end counts. */
const kind = /^(?:area|comp|component|domain|kind|module|pkg|package|scope|team|topic|type|a|c|t)[-_. ]/;

/** What labels ask for by name, and which of them; null where none does. */
export function specialtiesOfLabels(
  labels: readonly string[],
): { readonly specialties: readonly string[]; readonly reason: string } | null {
  const found = labels.flatMap((label) => {
    const specialty = fromLabel(label);
    return specialty === null ? [] : [{ label, specialty }];
  });
  if (found.length === 0) return null;
  const specialties = [...new Set(found.map(({ specialty }) => specialty))].sort(byText).slice(0, Limits.specialties);
  const reason = `${found.length === 1 ? 'label' : 'labels'} ${found.map(({ label }) => label).join(', ')}`;
  return { specialties, reason };
}

/** `backend`, `area: Backend`, `area/ci`; null for a label that says nothing of the kind. */
function fromLabel(label: string): string | null {
  const text = label.trim().toLowerCase();
  const own = specialtySchema.safeParse(ownName.exec(text)?.[1]);
  if (own.success) return own.data;
  const last = text.split(/[:/]\s*/).at(-1) ?? '';
  return specialtyOfLabel(text) ?? specialtyOfLabel(last) ?? specialtyOfLabel(text.replace(kind, ''));
}
