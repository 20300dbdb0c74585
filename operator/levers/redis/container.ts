import { mostMaxMemory, type ServerMemory } from '../../decide/memory-budget.ts';
import type { NodesObserved } from './every-node.ts';
import type { RedisObserved, ServerObserved } from './observe.ts';
import type { RedisUnit } from './unit.ts';
import { wantedValues } from './wanted.ts';

interface Wanted {
  readonly wanted: ReadonlyMap<string, string>;
  /** What maxmemory was lowered for; undefined: it is as declared. */
  readonly boundBy: string | undefined;
}

/** Everything that the policy declares for this server, with a maxmemory that its container has room for where that may be lowered. */
export function withinContainer(unit: RedisUnit, observed: RedisObserved): Wanted {
  const declared = wantedValues(unit.policy, observed.memoryLimitBytes);
  const { loweredTo } = memoryOn(unit, observed) ?? {};
  if (loweredTo === undefined) return { wanted: declared, boundBy: undefined };
  const { kind = 'container', name = unit.name } = unit.workloadRef ?? {};
  return {
    wanted: new Map([...declared, ['maxmemory', String(loweredTo)]]),
    boundBy: `${kind}/${name} memory limit`,
  };
}

/** Of several nodes the one that has least room. Where nothing may be set nothing is lowered. */
export const memoryOf = (unit: RedisUnit, { nodes }: NodesObserved): ServerMemory | undefined =>
  nodes
    .flatMap((node) => {
      const memory = memoryOn(unit, node);
      const isSet = unit.mode === 'Enforce' && node.server.config.access === 'Write';
      return memory === undefined ? [] : [isSet ? memory : { ...memory, loweredTo: undefined }];
    })
    .toSorted((a, b) => mostMaxMemory(a.limitBytes, a.persists) - mostMaxMemory(b.limitBytes, b.persists))
    .at(0);

function memoryOn(unit: RedisUnit, { server, memoryLimitBytes: limitBytes }: RedisObserved): ServerMemory | undefined {
  const wanted = wantedValues(unit.policy, limitBytes);
  const declared = wanted.get('maxmemory');
  if (limitBytes === undefined || declared === undefined || server.config.access === 'None') return undefined;
  const declaredBytes = Number(declared);
  const persists = persistsThen(wanted, server);
  const most = mostMaxMemory(limitBytes, persists);
  const isLowered = unit.isClamped === true && declaredBytes > most && holdsAll(server, most);
  return { declaredBytes, limitBytes, persists, loweredTo: isLowered ? most : undefined };
}

/** No key has to go for it: of those that do, a person decides. Once it is in force the server may hover a little above. */
const holdsAll = ({ maxMemoryBytes: from, usedMemoryBytes }: ServerObserved, most: number): boolean =>
  usedMemoryBytes <= most || (from !== 0 && from <= most);

/** Whether the server writes its data to disk when all that is wanted is in force. */
export function persistsThen(wanted: ReadonlyMap<string, string>, { appendOnly, config }: ServerObserved): boolean {
  const inForce = config.access === 'None' ? undefined : config.values.get('save')?.value;
  return appendOnly || (inForce !== undefined && (wanted.get('save') ?? inForce) !== '');
}
