import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { UsageError } from './command.ts';
import { problemText } from '../api/field-problem.ts';
import type { GenerationService } from '../api/generation-service.ts';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import { validate } from '../api/validate.ts';

export interface Manifests {
  readonly services: readonly GenerationService[];
  readonly policies: readonly PerformancePolicy[];
}

/** Our kinds out of YAML files, checked as the API server would check them; other kinds are passed over. @throws {UsageError} that names file, field, what was seen and wanted. */
export async function readManifests(files: readonly string[]): Promise<Manifests> {
  const objects = (await Promise.all(files.map(readObjects))).flat();
  return {
    services: objects.filter((object): object is GenerationService => object.kind === 'GenerationService'),
    policies: objects.filter((object): object is PerformancePolicy => object.kind === 'PerformancePolicy'),
  };
}

/** @throws {UsageError} where there is none. */
export async function readPolicy(file: string): Promise<PerformancePolicy> {
  const [policy] = (await readManifests([file])).policies;
  if (policy === undefined) throw new UsageError(`saw no PerformancePolicy in ${file}; wanted one`);
  return policy;
}

async function readObjects(file: string): Promise<readonly (GenerationService | PerformancePolicy)[]> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`cannot read ${file}: ${error.message}`, { cause: error });
  });
  return parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new UsageError(`${file}: ${error.message}`);
    const object: unknown = document.toJS();
    if (!isOurs(object)) return [];
    const result = validate(object);
    if (result.kind === 'valid') return [result.object];
    throw new UsageError(result.problems.map((problem) => `${file}: ${problemText(problem)}`).join('\n'));
  });
}

const isOurs = (object: unknown): boolean =>
  typeof object === 'object' &&
  object !== null &&
  'apiVersion' in object &&
  String(object.apiVersion).startsWith('genops.dev/');
