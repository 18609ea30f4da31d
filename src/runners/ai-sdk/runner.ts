/**
 * The AI SDK runner: an agent's loop of model and tools, one durable step at a time.
 *
 *   ask the model ─▶ note its tokens ─▶ checkpoint its answer ─▶ run its tools ─▶ checkpoint their results ─┐
 *        ▲──────────────────────────────────────────────────────────────────────────────────────────────────┘
 *
 * Owns: the order of these. Callers: users, who register it with a runtime (`tasks.runners`). Invariants:
 *  A1  An answer is on disk before anything is done about it: a restart does not ask for it again.
 *  A2  A tool runs through the task's record alone; the SDK is given no tool that it could run.
 *  A3  Tools are run only when their results will be read: with no iteration or token left, the calls stay
 *      open in the checkpoint, and a retry with a new budget goes on with them.
 *  A4  An answer that is not whole is not kept.
 */
import { isHoldfastError } from '../../errors.js';
import type { RunnerContext, RunnerInput, RunnerObject, RunnerResult } from '../../index.js';
import { limits } from '../../limits.js';
import * as conversation from './conversation.js';
import type { Conversation } from './conversation.js';
import { ModelFailure } from './failure.js';
import { askModel, type Answer } from './model-call.js';
import { setupOf, type AiSdkRunnerOptions, type Setup } from './options.js';
import { runCalls } from './tool-calls.js';

/**
 * A runner for background tasks over the AI SDK: `openRuntime({ tasks: { runners: { default: aiSdkRunner({
 * model, tools }) } } })`.
 *
 * The task completes with the text of the model's last answer. It ends `exhausted` when the model still
 * wants tools after the last iteration, when the tokens are used up, or when an answer was cut at
 * `settings.maxOutputTokens`. A call that fails for good, or too often, fails the task with a code:
 * `http-<status>`, `network`, `no-answer`, `cut-off`, `unusable-answer`, `content-filter`. A tool's result
 * of more than 255 KiB as JSON is cut, with a note; a conversation of more than 4 MiB fails the task
 * (`conversation-too-large`). Throws INVALID_INPUT naming an option that is wrong.
 */
export function aiSdkRunner(options: AiSdkRunnerOptions): RunnerObject {
  const setup = setupOf(options);
  const { model } = setup;
  const named =
    typeof model === 'string'
      ? { provider: 'gateway', model }
      : { provider: model.provider, model: model.modelId };
  return { ...named, run: (input, context) => runTask(setup, input, context) };
}

async function runTask(setup: Setup, input: RunnerInput, context: RunnerContext): Promise<RunnerResult> {
  const iterationsMax = Math.min(setup.maxIterations, input.maxIterations);
  const tokensMax = Math.min(setup.tokenBudget, input.tokenBudget ?? Infinity);
  let talk = conversation.conversationOf(input.prompt, input.checkpoint);
  let tokens = input.usage.totalTokens;
  // Of an iteration that was cut off there is no answer: it is the same one again. A retry counts anew.
  let iteration = Math.min(talk.iteration, input.iterations);
  for (;;) {
    const output = conversation.textOf(talk);
    if (tokens >= tokensMax) return { output, exhausted: 'tokens' };
    if (conversation.isAnswered(talk)) return { output };
    if (iteration >= iterationsMax) return { output, exhausted: 'iterations' };
    talk = await withToolsRun(setup, context, talk);
    iteration += 1;
    await context.iteration(iteration);
    const answer = await askModel(setup, {
      ...{ taskId: input.taskId, iteration, messages: talk.messages, signal: context.signal },
      system: input.systemPrompt ?? setup.system,
    });
    tokens += answer.usage.totalTokens;
    await spend(context, answer);
    if (answer.finish === 'length') return { output: answer.text, exhausted: 'tokens' };
    talk = conversation.withAnswer(talk, answer, iteration);
    await keep(context, talk);
  }
}

async function withToolsRun(setup: Setup, context: RunnerContext, talk: Conversation): Promise<Conversation> {
  const calls = conversation.openCalls(talk);
  if (calls.length === 0) return talk;
  const asked = talk.messages.slice(
    0,
    talk.messages.findLastIndex(({ role }) => role === 'assistant'),
  );
  const answered = conversation.withResults(talk, await runCalls(setup, context, calls, asked));
  await keep(context, answered);
  return answered;
}

/** Notes what an answer cost. It is kept all the same when that was the last of the budget. */
async function spend(context: RunnerContext, { usage }: Answer): Promise<void> {
  try {
    await context.usage(usage);
  } catch (error) {
    if (!isHoldfastError(error, 'TASK_EXHAUSTED')) throw error;
  }
}

async function keep(context: RunnerContext, talk: Conversation): Promise<void> {
  const state = conversation.checkpointOf(talk);
  const bytes = Buffer.byteLength(JSON.stringify(state));
  if (bytes > limits.taskCheckpointBytesMax) {
    throw new ModelFailure(
      'conversation-too-large',
      `the conversation has ${bytes} bytes as JSON, at most ${limits.taskCheckpointBytesMax} are kept`,
    );
  }
  await context.checkpoint(state);
}
