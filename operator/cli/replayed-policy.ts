import { problemText } from '../api/field-problem.ts';
import type { GenerationService } from '../api/generation-service.ts';
import { effectivePolicies } from '../decide/resolve.ts';
import { isObject, type Bundle } from './bundle.ts';
import { UsageError } from './command.ts';
import { readPolicy } from './manifests.ts';
import type { PolicyFor } from './replayed-decisions.ts';

/** The policy of a file under the overrides of a bundle's service. @throws {UsageError} */
export async function otherPolicy({ service }: Bundle, file: string): Promise<PolicyFor> {
  const policy = await readPolicy(file);
  if (!isService(service)) throw new UsageError('saw a bundle without its service; wanted one of genops report');
  const { components, problems } = effectivePolicies({ service, policy });
  if (problems.length > 0) throw new UsageError(`${file}: ${problems.map(problemText).join('\n')}`);
  const byName = new Map(components.map(({ spec, policy: own }) => [spec.name, own]));
  return (component) => byName.get(component);
}

const isService = (service: unknown): service is GenerationService =>
  isObject(service) && isObject(service['spec']) && Array.isArray(service['spec']['components']);
