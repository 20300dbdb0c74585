/** There is no room to wait in: a server answers 503 and says when to come again. */
export class Overloaded extends Error {
  override readonly name = 'Overloaded';
}
