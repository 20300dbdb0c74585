/** One manager of two: leads when it can, and while it leads writes its name into a ConfigMap as fast as it can. Arguments: kubeconfig, namespace, its name, and for how many ms it takes the Lease. */
import { setImmediate } from 'node:timers/promises';
import { connectKube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import { fenced, lead, type Leadership } from '../../operator/kube/leader.ts';
import { configMaps } from './kube-world.ts';

const [kubeconfig, namespace = '', identity = '', leaseMs = '3000'] = process.argv.slice(2);
const say = (message: string, fields: object = {}) => process.stdout.write(`${message} ${JSON.stringify(fields)}\n`);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort(new Error('SIGTERM')));

await using kube = connectKube(await loadConfig({ kubeconfig }), { userAgent: identity });

async function work(leadership: Leadership): Promise<void> {
  const writer = fenced(kube, leadership);
  say('leads');
  for (let turn = 0; !leadership.signal.aborted; turn += 1) {
    const manifest = { metadata: { namespace, name: 'written' }, data: { by: identity, turn: String(turn) } };
    try {
      await writer.apply(configMaps, manifest, { manager: identity, force: true }, leadership.signal);
    } catch (error) {
      if (leadership.isHeld()) throw error;
      await setImmediate(); // refused, as a reconcile is: the timer that ends the term has yet to fire
    }
  }
  say('stopped');
}

const logger = { debug: say, info: say, warn: say, error: say };
const times = { leaseMs: Number(leaseMs), renewDeadlineMs: 2000, renewMs: 500, retryMs: 300 };
const options = { kube, namespace, name: 'leader', identity, logger, ...times };
await lead(options, work, stop.signal).catch((error: unknown) => say('work failed', { error: String(error) }));
say('ended');
