import { expect, test } from '@jest/globals';
import { lookAtMachine, machineWords, type MachineLook } from '../../../../hack/demo/machine.ts';

const look = (load: number, total = 0, stolen = 0): MachineLook => ({ cores: 2, load, cpu: { total, stolen } });

test.each([
  {
    name: 'a quiet machine, which the demo keeps busy',
    before: look(0.5),
    after: look(7.9, 1000, 50),
    says: undefined,
  },
  {
    name: 'one that was busy before',
    before: look(2.1),
    after: look(6, 1000),
    says: /^saw a load of 2\.1 as the demo began and 6\.0 at its end, on 2 cores; .* not the product: try again/,
  },
  { name: 'one on which others began meanwhile', before: look(0.5), after: look(8.1, 1000), says: /8\.1 at its end/ },
  {
    name: 'one whose host gave it less than it has',
    before: look(0.5, 1000, 10),
    after: look(3, 2000, 210),
    says: /, and its host took 20 % of its time;/,
  },
])('of a demo that failed is said: $name', ({ before, after, says }) => {
  const words = machineWords(before, after);
  if (says === undefined) expect(words).toBeUndefined();
  else expect(words).toMatch(says);
});

test('lookAtMachine() counts the cores and, on Linux, their time', async () => {
  const { cores, load, cpu } = await lookAtMachine();
  expect(cores).toBeGreaterThan(0);
  expect(load).toBeGreaterThanOrEqual(0);
  if (process.platform === 'linux') expect(cpu?.total).toBeGreaterThan(cpu?.stolen ?? 0);
});
