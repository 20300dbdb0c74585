import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { off, type Indexes } from './index-tuner.ts';
import { secretOf } from './postgres-tuner.ts';

/** A process that visits the server; `await using` kills it. */
export function startVisitor(server: PostgresServer, indexes: Indexes) {
  const script = join(import.meta.dirname, 'index-visitor-process.ts');
  const child = spawn(process.execPath, [script, secretOf(server).uri, JSON.stringify([...off, ...indexes])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const kill = async () => {
    child.kill('SIGKILL');
    await exit;
  };
  return {
    kill,
    stop: async () => {
      child.kill('SIGTERM');
      await exit;
    },
    says: async (pattern: RegExp) => {
      for await (const line of lines) if (pattern.test(line)) return;
      throw new Error(`it ended without ${String(pattern)}`);
    },
    [Symbol.asyncDispose]: kill,
  };
}
