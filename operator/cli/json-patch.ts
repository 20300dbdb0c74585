import type { GenerationServiceSpec } from '../api/generation-service.ts';
import type { Learned } from './learned.ts';

/** One operation of RFC 6902. */
export interface Operation {
  readonly op: 'test' | 'add';
  readonly path: string;
  readonly value: unknown;
}

/** What puts these values into the spec of a service, for kubectl and kustomize. An entry of a list is tested for its name first: the list may have another order by then. */
export function jsonPatch(spec: GenerationServiceSpec, learned: readonly Learned[]): readonly Operation[] {
  const root: Json = { spec: structuredClone(spec) as unknown as Json };
  const indexOf = (name = ''): string => String(spec.components.findIndex((component) => component.name === name));
  const components = [...new Set(learned.flatMap(({ at: [list, name] }) => (list === 'components' ? [name] : [])))];
  return [
    ...components.map((name) => ({ op: 'test', path: `/spec/components/${indexOf(name)}/name`, value: name }) as const),
    ...learned.map(({ at: [list = '', name = '', ...rest], value }) =>
      addition(root, ['spec', list, list === 'components' ? indexOf(name) : name, ...rest], value),
    ),
  ];
}

type Json = { [key: string]: Json };

/** Adds the value to `root`, with whatever is missing above it. */
function addition(root: Json, at: readonly string[], value: unknown): Operation {
  let parent = root;
  for (const [depth, key] of at.entries()) {
    const next = parent[key];
    if (next !== undefined && depth < at.length - 1) {
      parent = next;
      continue;
    }
    const added = at.slice(depth + 1).reduceRight<unknown>((inner, name) => (name === '-' ? [inner] : { [name]: inner }), value); // prettier-ignore
    if (Array.isArray(parent)) parent.push(added);
    else parent[key] = structuredClone(added) as Json;
    return {
      op: 'add',
      path: `/${at
        .slice(0, depth + 1)
        .map(escaped)
        .join('/')}`,
      value: added,
    };
  }
  throw new Error('a value has a place');
}

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
