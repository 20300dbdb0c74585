import type { ServerConnections } from '../../decide/connection-budget.ts';
import type { PostgresObserved } from './observe.ts';

/** A standby has connections of its own, and its primary's system_identifier. */
export function connectionsOf({
  settings,
  systemId,
  address,
  isStandby,
  database,
  databaseLimit,
  clientRole,
  roleLimit,
  statistics,
}: PostgresObserved): ServerConnections {
  const figure = (name: string): number => Number(settings[name]?.value ?? 0);
  return {
    server: systemId === null ? address : isStandby ? `${systemId} ${address}` : systemId,
    max: figure('max_connections'),
    reserved: figure('superuser_reserved_connections') + figure('reserved_connections'), // the latter from 16 on
    database: { name: database, limit: limitOf(databaseLimit) },
    ...(clientRole !== undefined && {
      role: { name: clientRole, limit: limitOf(roleLimit), isThere: roleLimit !== null },
    }),
    open: statistics.state === 'Known' ? statistics.connections : undefined,
  };
}

/** -1: none. */
const limitOf = (limit: number | null): number | undefined => (limit === null || limit < 0 ? undefined : limit);
