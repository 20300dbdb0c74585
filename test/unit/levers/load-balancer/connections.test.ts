import { expect, test } from '@jest/globals';
import { activeIn, establishedIn } from '../../../../operator/levers/load-balancer/connections.ts';

test('activeIn() leaves out the connection that asks, and takes no other text', () => {
  const text =
    'Active connections: 12 \nserver accepts handled requests\n 30 30 31 \nReading: 0 Writing: 1 Waiting: 11 \n';
  expect([activeIn(text), activeIn('Active connections: 1 \n'), activeIn('')]).toEqual([11, 0, undefined]);
});

test('establishedIn() counts connections to the ports of nginx in both families, and neither its own to Pods nor what listens', () => {
  const sockets = `
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 3
   3: 0100007F:1F90 0100007F:C351 06 00000000:00000000 00:00000000 00000000     0        0 0
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000001000000:20FB 00000000000000000000000001000000:C352 01 00000000:00000000`;
  expect([establishedIn(sockets, [8080, 8443]), establishedIn(sockets, [8080]), establishedIn(sockets, [80])]).toEqual([
    2, 1, 0,
  ]);
});
