/** The form of metav1.Time: UTC, whole seconds; a fraction is cut off. @param ms Since the epoch. */
export const rfc3339 = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
