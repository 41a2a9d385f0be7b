// Expressions parsed once and run many times.
import { interpreter, InterpreterContext } from 'feelin';
import { Failure } from './values.mjs';
import { study } from './study.mjs';

const MESSAGES = {
  NO_VARIABLE_FOUND: (name) => `there is no variable "${name}"`,
  NO_CONTEXT_ENTRY_FOUND: (name) => `"${name}" is absent`,
  NO_PROPERTY_FOUND: (name) => `"${name}" is absent`,
};

/**
 * { run(scope) -> value, complaints() -> [{ type, message, from, to }] of the last run, study }; throws Failure on bad text.
 *
 * known: its study, by whoever has one of the same text and names, since parsing takes most of the time.
 */
export function program(text, unary, names, known = study(text, unary, names)) {
  if (known.problems.length) throw new Failure(known.problems[0].message);
  const context = new InterpreterContext();
  const { root } = interpreter._buildExecutionTree(known.tree, text, context);
  const start = (scope) => {
    context.warnings.length = 0;
    return root(scope);
  };
  const expected = ({ type, position }) =>
    type in MESSAGES && known.nullSafe.some(([from, to]) => from <= position.from && position.to <= to);
  return {
    study: known,
    run: unary ? (scope) => start(scope)(scope['?'] ?? null) : (scope) => start(scope) ?? null,
    complaints: () =>
      context.warnings.length === 0
        ? context.warnings
        : context.warnings
            .filter((warning) => !expected(warning))
            .map(({ type, message, position: { from, to } }) => ({
              type,
              message: MESSAGES[type]?.(text.slice(from, to)) ?? message,
              from,
              to,
            })),
  };
}
