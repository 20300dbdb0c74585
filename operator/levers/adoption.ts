import { annotations } from '../api/annotations.ts';
import type { Resolved } from '../decide/resolve.ts';

/** What the annotation genops.dev/adopt may name. */
const kinds = ['hpa', 'vpa'] as const;

/** Whether the annotation asks for objects of this kind to be taken over. */
export const isAdopted = (service: Resolved['service'], kind: (typeof kinds)[number]): boolean =>
  wordsOf(service).includes(kind);

/** What is to be said of words in it that ask for nothing; undefined: there are none. */
export function unknownAdoption(service: Resolved['service']): string | undefined {
  const unknown = wordsOf(service).filter((word) => !kinds.some((kind) => kind === word));
  if (unknown.length === 0) return undefined;
  return `The annotation ${annotations.adopt} names ${unknown.join(', ')}, which is nothing to take over: it may name ${kinds.join(' and ')}.`;
}

const wordsOf = ({ metadata }: Resolved['service']): readonly string[] =>
  (metadata.annotations?.[annotations.adopt] ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
