import { expect, test } from '@jest/globals';
import { lostIn } from '../../../../operator/levers/load-balancer/request-log-server.ts';

/** As Linux 6 has them: port 514 of 127.0.0.1 is ours, and two workers of nginx are connected to it. */
const title =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops';
const worker =
  ' 2071: 0100007F:9C40 0100007F:0202 01 00000000:00000000 00:00000000 00000000 65534        0 51301 2 0000000000000000 3';
const own =
  ' 3514: 0100007F:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 51235 2 0000000000000000 41';
const other =
  ' 3515: 00000000:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 51236 2 0000000000000000 5';

test.each([
  { name: 'what our socket had no room for', lines: [own], lost: 41 },
  { name: 'not what a worker of nginx that sends to it had none for', lines: [worker, own, worker], lost: 41 },
  { name: 'not that of the same port at another address', lines: [other, own], lost: 41 },
  { name: 'nothing where our socket is not in the list', lines: [worker, other], lost: 0 },
])('lostIn() is $name', ({ lines, lost }) => {
  expect(lostIn([title, ...lines, ''].join('\n'), 514)).toBe(lost);
});
