import { parseArgs } from 'node:util';
import { runScript } from '../script.ts';
import { demo } from './demo.ts';

const usage = `node_modules/.bin/node hack/demo/main.ts [--keep] [--metrics-api]: the main job on real input, in under 6 minutes

  --keep         leave cluster, operator and workload up, and say how to look around
  --metrics-api  requests per second reach the HPA through custom.metrics.k8s.io, served by the operator, instead of through its floor
`;

const options = {
  keep: { type: 'boolean', default: false },
  'metrics-api': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

await runScript(async (args, signal) => {
  const { values } = parseArgs({ args: [...args], options });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { keep, 'metrics-api': metricsApi } = values;
  return (await demo({ keep, metricsApi, out: process.stdout }, signal)) ? 0 : 1;
});
