import { parseArgs } from 'node:util';
import { demo } from './demo.ts';

const usage = `node hack/demo/main.ts [--keep] [--metrics-api]: the main job on real input, in under 6 minutes

  --keep         leave cluster, operator and workload up, and say how to look around
  --metrics-api  requests per second reach the HPA through custom.metrics.k8s.io, served by the operator, instead of through its floor
`;

const { values } = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    'metrics-api': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => interrupted.abort(new Error(`${name}: stopped`)));
process.exitCode = values.help ? 2 : await main();
if (values.help) process.stderr.write(usage);

async function main(): Promise<number> {
  const options = { keep: values.keep, metricsApi: values['metrics-api'], out: process.stdout };
  try {
    return (await demo(options, interrupted.signal)) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${messages(error).join('\n  because: ')}\n`);
    return 1;
  }
}

function messages(error: unknown): readonly string[] {
  if (!Error.isError(error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : messages(error.cause))];
}
