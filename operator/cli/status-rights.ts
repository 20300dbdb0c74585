import { ApiError } from '../kube/api-error.ts';

/** What somebody may not read leaves a page with a gap, and not without the rest. */
export async function orForbidden<T>(answer: Promise<T>): Promise<T | 'Forbidden'> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return 'Forbidden';
    throw error;
  }
}
