import { expect, test } from '@jest/globals';
import { loggedRequest } from '../../../../operator/levers/load-balancer/request-log.ts';

const told = (text: string) => loggedRequest(`<190>Nov 28 12:00:00 g: ${text}`);

test.each([
  {
    name: 'an answer',
    text: '1000.500;200;workflow;10.0.0.1:8080;200;0.020',
    tries: [{ server: '10.0.0.1:8080', result: 'Served', startMs: 1_000_480, endMs: 1_000_500 }],
  },
  {
    name: 'one that was passed on to another Pod, each with its own time',
    text: '1000.500;200;workflow;10.0.0.1:8080, [fd00::1]:8080;502, 200;0.100, 0.020',
    tries: [
      { server: '10.0.0.1:8080', result: 'Failed', startMs: 1_000_380, endMs: 1_000_480 },
      { server: '[fd00::1]:8080', result: 'Served', startMs: 1_000_480, endMs: 1_000_500 },
    ],
  },
  {
    name: 'an error of the Pod',
    text: '1000.500;500;workflow;10.0.0.1:8080;500;0.001',
    tries: [{ server: '10.0.0.1:8080', result: 'Failed', startMs: 1_000_499, endMs: 1_000_500 }],
  },
  {
    name: 'one that the Pod has turned away',
    text: '1000.500;429;workflow;10.0.0.1:8080;429;0.001',
    tries: [{ server: '10.0.0.1:8080', result: 'Shed', startMs: 1_000_499, endMs: 1_000_500 }],
  },
  {
    name: 'a client that did not wait',
    text: '1000.500;499;workflow;10.0.0.1:8080;-;0.300',
    tries: [{ server: '10.0.0.1:8080', result: 'Cut', startMs: 1_000_200, endMs: 1_000_500 }],
  },
  {
    name: 'a Pod that broke off',
    text: '1000.500;200;workflow;10.0.0.1:8080;-;-',
    tries: [{ server: '10.0.0.1:8080', result: 'Failed', startMs: 1_000_500, endMs: 1_000_500 }],
  },
  { name: 'an upstream where nobody was', text: '1000.500;502;workflow;workflow;502;0.000', tries: [] },
  { name: 'an answer from what is kept', text: '1000.500;200;workflow;-;-;-', tries: [] },
])('reads $name', ({ text, tries }) => {
  const request = told(text);
  expect(request?.upstream).toBe('workflow');
  expect(
    request?.tries.map(({ startMs, endMs, ...one }) => ({
      ...one,
      startMs: Math.round(startMs),
      endMs: Math.round(endMs),
    })),
  ).toEqual(tries);
});

test.each(['', 'x', '<190>Nov 28 12:00:00 g: ', '<190>Nov 28 12:00:00 g: 1;2;3', '<190>x g: soon;200;w;a:1;200;0.1'])(
  'takes no other line: "%s"',
  (line) => expect(loggedRequest(line)).toBeUndefined(),
);
