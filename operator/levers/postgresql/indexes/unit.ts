import type { MaintenanceWindows } from '../../../decide/maintenance-window.ts';
import type { Resolved } from '../../../decide/resolve.ts';
import { units as servers, type PostgresUnit } from '../unit.ts';

/** The indexes that are wanted on one declared PostgreSQL. */
export interface IndexesUnit extends PostgresUnit {
  /** `namespace/name` */
  readonly service: string;
  /** What the index sessions of this service are called (application_name), so that no other service ends them. */
  readonly session: string;
  /** The comment on every index that was built for this service: ownership is written where the index is. */
  readonly mark: string;
  /** Names of the indexes that no policy and no override says anything of. */
  readonly byDefault: readonly string[];
  /** A build begins in one of these only; none: at any time. */
  readonly maintenanceWindows: MaintenanceWindows;
}

export function units(resolved: Resolved): readonly IndexesUnit[] {
  const { namespace, name, uid } = resolved.service.metadata;
  return servers(resolved).map((unit) => ({
    ...unit,
    service: `${namespace}/${name}`,
    session: sessionOf(uid),
    mark: `Built by genops for ${namespace}/${name} (${uid})`,
    byDefault: unit.policy.indexes.map((index) => index.name).filter((index) => !isDeclared(index, resolved)),
    maintenanceWindows: resolved.policy.maintenanceWindows,
  }));
}

function isDeclared(index: string, { origins }: Resolved): boolean {
  const path = `postgres.indexes[${index}].`;
  return [...origins].some(([field, origin]) => origin !== 'default' && field.startsWith(path));
}

/** Of every index session of genops, whatever service it is for. */
export const sessionPrefix = 'genops index ';
/** At most 63 bytes: the server cuts off the rest. */
const sessionOf = (uid: string): string => `${sessionPrefix}${uid}`;
