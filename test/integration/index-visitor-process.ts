/** The index lever alone, without the state that an operator keeps, in a process of its own that can be killed: it visits one server over and over, and prints the state of each index after each. Arguments: the Secret’s uri, and the indexes as JSON. */
import { resolve } from '../../operator/decide/resolve.ts';
import { postgresqlIndexes } from '../../operator/levers/postgresql/indexes/lever.ts';
import { apply, observe, planAll } from '../../operator/levers/run.ts';
import { storedService } from '../world/builders.ts';

const [uri = '', indexes = '[]'] = process.argv.slice(2);
const lever = postgresqlIndexes({ readSecret: () => Promise.resolve({ uri: Buffer.from(uri) }) });
const service = storedService({
  spec: {
    postgres: [{ name: 'main', secretRef: { name: 'postgres' } }],
    overrides: { postgres: { indexes: JSON.parse(indexes) as [] } },
  },
});
const resolution = resolve({ service, policy: undefined, targets: new Map(), podsMetrics: 'Shadow' });
if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
const { resolved } = resolution;
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

while (!stop.signal.aborted) await visit().catch(unlessStopped);

async function visit(): Promise<void> {
  const observations = await observe([lever], resolved, stop.signal);
  const plans = planAll(observations, { memory: {}, now: Date.now(), verb: 'plan' });
  const [result] = await apply(plans, () => true, stop.signal);
  process.stdout.write(`${JSON.stringify({ ...result?.plan.status, message: result?.condition.message })}\n`);
}

function unlessStopped(error: unknown): void {
  if (!stop.signal.aborted) throw error;
}
