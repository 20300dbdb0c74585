import { stringify } from 'yaml';

/** What most commands can be asked for: a page for people, or all of it for programs. */
export const outputs = ['text', 'json', 'yaml'] as const;
export const outputOption = { output: { type: 'string', short: 'o', default: 'text' } } as const;
export const outputHelp = { output: 'text, json or yaml' } as const;

/** A value for programs. */
export const structured = (output: 'json' | 'yaml', value: unknown): string =>
  output === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value, { aliasDuplicateObjects: false });
