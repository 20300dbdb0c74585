import type { ParseArgsOptionsConfig } from 'node:util';
import { nearest } from '../api/nearest.ts';

/** What is wrong with these arguments, in our words. @param said What parseArgs has thrown: only its own text names the option. */
export function wrongOption(options: ParseArgsOptionsConfig, args: readonly string[], said: string): string {
  const [, named = ''] = /'([^']+)'/.exec(said) ?? [];
  const flag = named.replace(' <value>', '').split(', ').at(-1) ?? '';
  if (said.startsWith('Unknown option')) return unknown(flag, Object.keys(options));
  if (said.includes('does not take an argument')) return `saw ${flag} with a value; wanted ${flag} alone`;
  if (!said.includes('ambiguous')) return `saw ${flag} without a value; wanted ${flag} VALUE`;
  const [, long = flag] = /use '(--[^=']+)=/.exec(said) ?? [];
  const next = args[args.indexOf(flag) + 1] ?? '';
  return `saw ${flag} ${next}; wanted ${flag} VALUE, as ${long}=${next} where it begins with a dash`;
}

function unknown(flag: string, names: readonly string[]): string {
  const meant = nearest(
    flag,
    names.map((name) => `--${name}`).filter((name) => name[2] === flag[2]), // the dashes make short words near
  );
  return `saw ${flag}; wanted ${meant === undefined ? 'an option of this command' : `${meant}, if that was meant`}`;
}
