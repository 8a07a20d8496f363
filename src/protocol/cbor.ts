import { decode, encode } from 'cborg';

/** Canonical: map keys are sorted and lengths minimal, so equal values have equal bytes; absent = undefined. */
export const toBytes = (value: unknown): Uint8Array => encode(value, { ignoreUndefinedProperties: true });

/** The value, or undefined where the bytes are not exactly one well-formed value. */
export function fromBytes(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, { allowUndefined: false, strict: true, rejectDuplicateMapKeys: true });
  } catch {
    return undefined;
  }
}
