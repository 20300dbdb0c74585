import { amount, quantity } from '../../api/quantity.ts';
import { managers } from '../apply-owned.ts';
import type { LeverChange, UnitMemory } from '../lever.ts';
import { amountsText, declaredAmounts, type Amount } from './amounts.ts';
import { flooredBy, heldByOom, heldMemory, type MemoryKill } from './oom.ts';
import type { ResourcesObserved, ResourcesPlan, ResourcesUnit } from './plan.ts';

/** What the target's template says of its container, by the one field manager that is ours. */
export interface TemplateChange extends LeverChange {
  readonly kind: 'template';
  readonly container: string;
  /** Empty: nothing of ours any more. */
  readonly amounts: readonly Amount[];
}

/** What we wrote into the template stays there, and is nobody's: no roll-out, and no conflict for whoever applies it next. */
export interface HandOverChange extends LeverChange {
  readonly kind: 'handOver';
}

const handedOver = 'field manager of the template';

/** After a change of the method. What was begun before a restart is begun again. */
export function planHandOver(memory: UnitMemory | undefined): readonly HandOverChange[] {
  const isOurs = memory?.applied?.['method'] === 'Template' || memory?.unconfirmed?.includes(handedOver) === true;
  if (!isOurs) return [];
  const differences = [{ field: handedOver, from: managers.declared, to: '(none)' }];
  const remember = { applied: { method: 'InPlace' } };
  return [{ kind: 'handOver', cause: 'Declared', node: 'template', differences, remember }];
}

/** Each change rolls out: a look more often finds nothing new. */
const againMs = 60_000;

/** The template has all of it, also what a VPA sizes: that is what its Pods begin with. */
export function planTemplate(
  { policy, targetRef, namespace }: ResourcesUnit,
  { template }: Pick<ResourcesObserved, 'template'>,
  { isReturned = false, kill }: { readonly isReturned?: boolean; readonly kill?: MemoryKill | undefined } = {},
): ResourcesPlan {
  const there = { requests: template.requests, limits: template.limits };
  const declared = declaredAmounts(policy, []);
  const floored = flooredBy(kill, declared);
  const isFloored = floored.some((one) => !declared.includes(one));
  const seen = floored.map((one) => ({ ...one, from: there[one.list][one.resource] }));
  const held = kill === undefined ? [] : heldMemory(seen);
  const wanted = seen.flatMap((one) => amountIn(one, held.includes(one)));
  const differing = wanted.filter(({ list, resource, text }) => !isSame(there[list][resource], text));
  const differences = differing.map(({ list, resource, text }) => {
    const from = there[list][resource];
    return { field: `template ${list}.${resource}`, ...(from === undefined ? {} : { from }), to: text };
  });
  const base = {
    kind: 'template',
    cause: 'Declared',
    container: template.name,
    remember: { applied: { method: 'Template' } },
  } as const;
  const object = `${targetRef.kind} ${namespace}/${targetRef.name}`;
  if (isReturned) {
    const returned = [{ field: 'template resources', to: 'nothing of ours' }];
    const condition = {
      status: 'True',
      reason: 'Applied',
      message: `The template of ${object} has nothing of ours.`,
    } as const;
    return { changes: [{ ...base, amounts: [], differences: returned }], condition, status: {} };
  }
  const message = `The template of ${object} has ${amountsText(wanted)}.`;
  return {
    changes: differing.length === 0 ? [] : [{ ...base, amounts: wanted, differences }],
    condition:
      kill !== undefined && (isFloored || held.length > 0)
        ? heldByOom(kill, amountsText(declared))
        : { status: 'True', reason: 'Applied', message },
    status: {},
    againMs,
  };
}

/** Of what stays, what there is: left out of what we apply, it would be gone. */
function amountIn(
  { from, ...declared }: Amount & { readonly from: string | undefined },
  stays: boolean,
): readonly Amount[] {
  if (!stays) return [declared];
  return from === undefined ? [] : [{ ...declared, text: from }];
}

/** Equal by value: the server writes 1000m as 1. */
const isSame = (there: string | undefined, wanted: string): boolean => amount(there) === quantity(wanted);
