import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { sheet } from '../../hack/demo/panel.ts';
import { drawPicture } from '../../hack/demo/picture.ts';
import { recording } from '../unit/hack/demo/recording.ts';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

test('the demo leaves its picture as SVG, and as PNG of twice that size', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'genops-picture-'));
  const below = join(folder.path, 'made', 'for', 'it');
  const paths = await drawPicture(recording, true, below);
  expect(paths).toEqual([join(below, 'demo.svg'), join(below, 'demo.png')]);
  const [svg, png] = await Promise.all(paths.map((path) => readFile(path)));

  expect(svg?.toString()).toMatch(
    /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" .*Load, replicas and latency.*<\/svg>\s*$/s,
  );
  expect(png?.subarray(0, 8)).toEqual(signature);
  expect(png?.toString('latin1', 12, 16)).toBe('IHDR');
  const size = { width: png?.readUInt32BE(16), height: png?.readUInt32BE(20) };
  expect(size).toEqual({ width: 2 * sheet.width, height: 2 * sheet.height });
  expect(png?.subarray(-8, -4).toString('latin1')).toBe('IEND'); // written to its end
});
