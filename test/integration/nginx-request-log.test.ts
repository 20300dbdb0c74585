import { expect, test } from '@jest/globals';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { openRequestLog } from '../../operator/levers/load-balancer/request-log-server.ts';
import type { LoggedRequest } from '../../operator/levers/load-balancer/request-log.ts';
import { eventually } from '../world/eventually.ts';
import { silent } from './nginx-world.ts';

test('of what nginx tells while the agent is busy the kernel counts what it has no room for: heard and lost are all of it', async () => {
  await using stack = new AsyncDisposableStack();
  const heard: LoggedRequest[] = [];
  const log = stack.use(await openRequestLog(silent, (request) => heard.push(request)));
  const nginx = createSocket('udp4');
  stack.defer(() => void nginx.close());
  nginx.connect(log.port, '127.0.0.1');
  await once(nginx, 'connect');
  const told = 50_000; // more than 4 MiB hold
  for (let sent = 0; sent < told; sent += 1)
    nginx.send('<190>Nov 28 12:00:00 g: 1000.500;200;workflow;10.0.0.1:8080;200;0.020');
  await eventually(async () => expect(heard.length + (await log.lost())).toBe(told));
  expect(heard.length).toBeGreaterThan(0);
  expect(await log.lost()).toBeGreaterThan(0);
});
