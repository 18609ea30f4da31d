/** Forms from JSON Schemas: which fields there are, and what is sent of what was typed. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { JsonObject } from '../../../src/json.js';
import { draftOf, fieldOf, reading } from '../../../src/inspector/page/actor/form.js';

const schemaOf = (schema: z.ZodType): JsonObject => z.toJSONSchema(schema) as JsonObject;

const order = schemaOf(
  z.object({
    note: z.string().describe('Why.'),
    count: z.int().min(1).max(9).optional(),
    express: z.boolean().optional(),
    size: z.enum(['s', 'm', 'l']),
    address: z.object({ street: z.string(), zip: z.string().optional() }).optional(),
    tags: z.array(z.string()).optional(),
    extra: z.union([z.string(), z.number()]).optional(),
  }),
);

describe('fields', () => {
  test('each kind of schema has its own, and what none can show is JSON', () => {
    const field = fieldOf(order);
    expect(field.kind === 'group' && field.fields.map(([key, one]) => [key, one.kind, one.required])).toEqual(
      [
        ['note', 'text', true],
        ['count', 'number', false],
        ['express', 'boolean', false],
        ['size', 'choice', true],
        ['address', 'group', false],
        ['tags', 'list', false],
        ['extra', 'json', false],
      ],
    );
  });

  test.each([
    ['no type', {}],
    ['members of any name', { type: 'object', additionalProperties: { type: 'string' } }],
    ['alternatives', { oneOf: [{ type: 'string' }] }],
    ['a reference that leads elsewhere', { $ref: 'https://example.org/x' }],
  ])('a schema with %s is asked for as JSON', (_name, schema) => {
    expect(fieldOf(schema).kind).toBe('json');
  });

  test('a reference within the schema is followed, one into itself ends as JSON', () => {
    const schema: JsonObject = {
      type: 'object',
      properties: { node: { $ref: '#/$defs/node' } },
      $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } },
    };
    expect(JSON.stringify(fieldOf(schema))).toContain('"kind":"json"');
    expect(fieldOf({ $ref: '#' }).kind).toBe('json');
  });
});

describe('what is typed', () => {
  const field = fieldOf(order);
  const empty = draftOf(field) as Record<string, never>;

  test('becomes the value, without what was left empty', () => {
    const draft = { ...empty, note: 'late', size: '1', tags: ['a', 'b'], extra: '{"x": 1}' };
    expect(reading(field, draft)).toEqual({
      value: { note: 'late', size: 'm', tags: ['a', 'b'], extra: { x: 1 } },
      problems: [],
    });
  });

  test('is refused, field by field, where it cannot be right', () => {
    const draft = { ...empty, count: '2.5', extra: '{', address: { street: '', zip: '1' } };
    expect(reading(field, draft, '').problems.map(({ path, message }) => `${path} ${message}`)).toEqual([
      'note is required',
      'count is not a whole number',
      'size is required',
      'address.street is required',
      expect.stringMatching(/^extra is no JSON: /),
    ]);
    expect(reading(field, { ...empty, count: '10' }, '').problems).toContainEqual({
      path: 'count',
      message: 'is more than 9',
    });
  });

  test('begins with the defaults of the schema, fixed values need no typing', () => {
    const schema: JsonObject = {
      type: 'object',
      properties: {
        type: { const: 'paid' },
        amount: { type: 'number', default: 5 },
        on: { type: 'boolean', default: true },
        size: { enum: ['s', 'm'], default: 'm' },
      },
      required: ['type'],
    };
    const form = fieldOf(schema);
    expect(reading(form, draftOf(form)).value).toEqual({ type: 'paid', amount: 5, on: true, size: 'm' });
  });

  test('a field that is alone is the whole value', () => {
    const text = fieldOf({ type: 'string', title: 'reason' });
    expect(reading(text, 'x').value).toBe('x');
    expect(reading(text, '').problems).toEqual([{ path: 'reason', message: 'is required' }]);
  });
});
