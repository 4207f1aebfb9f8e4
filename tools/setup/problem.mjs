/** Something the person at the keyboard can put right; its message is all they see, so it must say how. */
export class SetupProblem extends Error {
  /**
   * @param {string} message
   * @param {{ exitCode?: number }} [facts] exit codes follow sysexits.h: 69 is "something needed is not available"
   */
  constructor(message, { exitCode = 69 } = {}) {
    super(message);
    this.name = 'SetupProblem';
    this.exitCode = exitCode;
  }
}
