import { describe, expect, test } from '@jest/globals';
import { lengthSeconds, readTrace } from '../../../operator/simulate/trace.ts';

describe('readTrace()', () => {
  test('reads steps with and without a line of names', () => {
    const named = readTrace('time_s,arrivals\n0,28\n15,40\n30,0\n');
    expect(named).toEqual({ stepSeconds: 15, counts: Float64Array.of(28, 40, 0) });
    expect(lengthSeconds(named)).toBe(45);
    expect(readTrace('0,28\r\n15,40\r\n30,0')).toEqual(named);
    expect(readTrace('\uFEFF"Time", "Arrivals"\r\n0,28\r\n15,40\r\n30,0')).toEqual(named);
  });

  test('takes epochs for times, as Prometheus has them', () => {
    expect(readTrace('time,arrivals\n1800000000,1\n1800000060,2\n').stepSeconds).toBe(60);
  });

  test.each([
    {
      name: 'a single step',
      csv: 'time,arrivals\n0,1\n',
      message: 'saw fewer than two steps (1); wanted CSV time,arrivals',
    },
    { name: 'a step that is left out', csv: '0,1\n15,1\n45,1\n', message: 'line 3: saw time 45 where 30 comes next' },
    { name: 'time that does not go on', csv: '0,1\n0,1\n', message: 'line 2: saw time 0 after 0' },
    { name: 'arrivals that are no number', csv: 'time,arrivals\n0,1\n15,many\n', message: 'line 3: saw "15,many"' },
    { name: 'arrivals below nothing', csv: '0,1\n15,-1\n', message: 'line 2: saw "15,-1"' },
    { name: 'arrivals that are not known', csv: '0,1\n15,\n', message: 'line 2: saw "15,"' },
    { name: 'arrivals without end', csv: '0,1\n15,Infinity\n', message: 'line 2: saw "15,Infinity"' },
    {
      name: 'another line of names',
      csv: 'a,b\n0,1\n15,1\n',
      message: 'line 1: saw "a,b"; wanted CSV time,arrivals: seconds',
    },
    {
      name: 'the names the other way round',
      csv: 'arrivals,time\n0,1\n15,1\n',
      message: 'line 1: saw "arrivals,time"',
    },
    { name: 'time in other units', csv: 'time_ms,arrivals\n0,1\n15,1\n', message: 'line 1: saw "time_ms,arrivals"' },
    {
      name: 'more arrivals than any service has',
      csv: '0,1\n15,1e99\n',
      message: 'line 2: saw 1e+99 arrivals; wanted 1000000000000 in a step at most',
    },
    {
      name: 'more time than anybody has recorded',
      csv: '0,1\n1e99,1\n',
      message: 'saw steps of 1e+99 s, 2e+99 s in all; wanted 10 years (315360000 s) at most',
    },
    { name: 'a line without a comma', csv: '0,1\n15\n', message: 'line 2: saw "15"' },
  ])('refuses $name', ({ csv, message }) => {
    expect(() => readTrace(csv)).toThrow(message);
  });
});
