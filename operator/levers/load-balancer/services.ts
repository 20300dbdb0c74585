import type { LoadBalancerReport } from '../../api/load-balancer-report.ts';
import { problemMessage } from '../../api/problem.ts';
import type { PlannedCondition } from '../lever.ts';
import type { LoadBalancerUnit } from './unit.ts';

type Unit = Pick<LoadBalancerUnit, 'namespace' | 'components'>;

/** nginx has the settings, and yet answers 502: what a component's Service lacks that no Pod that comes would bring. Undefined: nothing. */
export function unusableService(unit: Unit, current: readonly LoadBalancerReport[]): PlannedCondition | undefined {
  const of = (what: string): readonly Routed[] =>
    routed(unit).filter(({ component }) => current.some(({ loaded }) => loaded?.unusable?.[component] === what));
  const [missing, withoutPort] = [of('NoService'), of('NoPort')];
  if (missing.length === 0 && withoutPort.length === 0) return undefined;
  const saw = [
    ...missing.map(
      ({ service, component }) =>
        `no Service ${service} (no EndpointSlice names it), to which requests to ${component} go`,
    ),
    ...withoutPort.map(({ service, component, port }) => `Service ${service} of ${component} ${lacking(port)}`),
  ];
  const message = problemMessage({
    saw: `${saw.join(', ')}: nginx answers them with 502`,
    wanted: 'the Service of the Pods of each component',
    next:
      missing.length === 0
        ? 'correct components[].serviceRef.port: the name that the port has in the Service, or its number in the Pods'
        : 'create it, or correct components[].serviceRef.name; one without a selector needs EndpointSlices',
  });
  return { status: 'False', reason: 'ServiceUnusable', message };
}

/** A number may well be that of the Service, where Pods have another. */
function lacking(port: Routed['port']): string {
  if (port === undefined) return 'without a TCP port';
  return typeof port === 'string' ? `without port ${port}` : `whose Pods have no port ${port}`;
}

/** A component may well be scaled to nothing: that is told, and no fault. */
export function butServices(unit: Unit, current: readonly LoadBalancerReport[]): string {
  const without = routed(unit).filter(({ component }) =>
    current.some(({ loaded }) => loaded?.servers[component] === 0),
  );
  if (without.length === 0) return '';
  const named = without.map(({ service, component }) => `${service} (${component})`).join(', ');
  return `, but no Pod of Service ${named} is ready: nginx answers requests to it with 502`;
}

interface Routed {
  readonly component: string;
  /** `namespace/name` */
  readonly service: string;
  readonly port: string | number | undefined;
}

const routed = ({ namespace, components }: Unit): readonly Routed[] =>
  components.flatMap(({ name, serviceRef }) =>
    serviceRef === undefined
      ? []
      : [{ component: name, service: `${namespace}/${serviceRef.name}`, port: serviceRef.port }],
  );
