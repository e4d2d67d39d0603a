/** Something that setup cannot do by itself: what is wrong, and what the person can do about it. */
export class SetupError extends Error {
  /**
   * @param {string} what
   * @param {string} remedy
   */
  constructor(what, remedy) {
    super(`${what}\n  ${remedy.replaceAll("\n", "\n  ")}`);
    this.name = "SetupError";
  }
}
