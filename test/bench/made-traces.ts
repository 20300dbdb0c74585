import { random } from '../../operator/simulate/random.ts';
import type { Trace } from '../../operator/simulate/trace.ts';

/** Load that is made, not recorded: each step's arrivals are drawn from a Poisson distribution around a rate. */
export interface MadeTrace {
  readonly name: string;
  readonly service: 'api' | 'workflow';
  readonly trace: Trace;
}

interface Shape {
  readonly name: string;
  readonly service: 'api' | 'workflow';
  readonly hours: number;
  readonly stepSeconds: number;
  /** Requests per second. */
  readonly rate: (second: number) => number;
}

const hour = 3600;
const day = 24 * hour;
/** Nothing, then three hours of load that begin with two minutes of a quarter of it. */
const plateau = (since: number): number => (since < 0 || since >= 3 * hour ? 0 : since < 120 ? 1.5 : 6);
const shapes: readonly Shape[] = [
  {
    name: 'made-step',
    service: 'api',
    hours: 2,
    stepSeconds: 1,
    rate: (at) => (at < 1800 ? 15 : at < 5400 ? 90 : 30),
  },
  {
    name: 'made-square',
    service: 'workflow',
    hours: 4,
    stepSeconds: 1,
    rate: (at) => (at % 1200 < 480 ? 6.5 : 1.5),
  },
  {
    name: 'made-flash',
    service: 'api',
    hours: 4,
    stepSeconds: 1,
    rate: (at) => 25 + (at < 2400 ? 0 : 110 * Math.exp(-((at - 2400) % 5400) / 240)),
  },
  {
    name: 'made-days',
    service: 'workflow',
    hours: 72,
    stepSeconds: 15,
    rate: (at) =>
      3.5 - 2.5 * Math.cos((2 * Math.PI * at) / day) + (at % day > 14 * hour && at % day < 14.2 * hour ? 3 : 0),
  },
  {
    name: 'made-sparse',
    service: 'workflow',
    hours: 24,
    stepSeconds: 15,
    rate: (at) => plateau(at - 7 * hour) + plateau(at - 15 * hour),
  },
];

/** Days and weeks that grow by half, with a burst each few days: what a year of a service may be. */
const year: Shape = {
  name: 'made-year',
  service: 'workflow',
  hours: 365 * 24,
  stepSeconds: 15,
  rate: (at) =>
    (1 + at / (2 * 365 * day)) *
    (3 -
      2 * Math.cos((2 * Math.PI * at) / day) -
      (at % (7 * day) > 5 * day ? 0.8 : 0) +
      (at % (3.7 * day) < 900 ? 3 : 0)),
};

export const madeTraces = (): readonly MadeTrace[] => shapes.map(made);
export const madeYear = (): MadeTrace => made(year, 100);

function made({ name, service, hours, stepSeconds, rate }: Shape, index: number): MadeTrace {
  const uniform = random(index + 1);
  const draw = (_: unknown, step: number): number => poisson(rate(step * stepSeconds) * stepSeconds, uniform);
  const counts = Float64Array.from({ length: (hours * hour) / stepSeconds }, draw);
  return { name, service, trace: { stepSeconds, counts } };
}

function poisson(mean: number, uniform: () => number): number {
  const least = Math.exp(-mean);
  let count = 0;
  for (let product = uniform(); product > least; product *= uniform()) count++;
  return count;
}
