import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

/** What V8 made of a text, by file. */
const compiled = new Map();
const { compileFunction, createContext } = vm;

/** Jest compiles its own megabyte, and every CommonJS package, anew for each test file: here once a process. */
vm.compileFunction = (text, parameters, options) => {
  const known = compiled.get(options.filename);
  if (known?.text === text) return compileFunction(text, parameters, { ...options, cachedData: known.cachedData });
  const made = compileFunction(text, parameters, { ...options, produceCachedData: true });
  compiled.set(options.filename, { text, cachedData: made.cachedData });
  return made;
};

/**
 * Jest's environment for Node, with a global object as V8 has it.
 * Jest puts its own behind a proxy: each `Math` or `Object` in a test, and in all that it imports, is then a call. 400,000 lognormal numbers take 0.1 s on this one and 1.8 s on that.
 */
export default class PlainGlobal extends TestEnvironment {
  constructor(config, context) {
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
  }
}
