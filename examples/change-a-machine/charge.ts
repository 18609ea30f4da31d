/** Stands for your payment service: one call takes the money, and its answer takes a while. */
import { fromPromise } from 'xstate';

export const charge = fromPromise<{ receipt: string }, { amount: number }>(
  ({ input, signal }) =>
    new Promise((resolve, reject) => {
      const answer = setTimeout(() => resolve({ receipt: `paid ${input.amount}` }), 250);
      signal.addEventListener('abort', () => {
        clearTimeout(answer);
        reject(new Error('aborted'));
      });
    }),
);
