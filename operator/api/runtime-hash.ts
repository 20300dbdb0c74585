/** The value of the gauge by which a Pod says what it runs with: 48 bits, which every float holds exactly. Not a label, whose values would be endless. */
export const hashNumber = (hash: string): number => Number.parseInt(hash, 16);
export const hashText = (number: number): string => number.toString(16).padStart(12, '0');
