import { differences } from './differences.ts';
import type { Difference, LeverChange, UnitMemory } from './lever.ts';

/** Settings as they are written into a ConfigMap. */
interface Written {
  readonly settings: { readonly version: unknown; readonly hash: string };
  readonly text: string;
}

/** Setting by setting; what stands there otherwise (an edit that is no JSON, a field too many) is one difference of the whole file. */
export function settingsDifferences(
  there: string | undefined,
  { settings, text }: Written,
  { file, section }: { readonly file: string; readonly section: string },
): readonly Difference[] {
  if (there === text) return [];
  const { version: _, hash, ...figures } = settings;
  const single = differences(parsedSettings(there), figures, section, (_field, from, to) => Object.is(from, to));
  return single.length > 0 ? single : [{ field: file, from: 'edited', to: hash }];
}

/** Undefined: it is written anew. */
export function parsedSettings(text: string | undefined): unknown {
  try {
    const found: unknown = JSON.parse(text ?? '');
    return typeof found === 'object' && found !== null ? found : undefined;
  } catch {
    return undefined;
  }
}

export const settingsCause = (memory: UnitMemory | undefined, hash: string): LeverChange['cause'] =>
  memory?.applied?.['hash'] === hash && memory.unconfirmed === undefined ? 'Drift' : 'Declared';
