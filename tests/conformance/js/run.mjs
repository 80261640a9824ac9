// The official JavaScript client against a running server. Prints one line a check; exits 1 where one fails.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import assert from "node:assert/strict";

const [baseURL, modules] = process.argv.slice(2);
const found = createRequire(`${modules}/`).resolve("openai");
const { default: OpenAI } = await import(pathToFileURL(found).href);

const client = new OpenAI({ apiKey: "unused", baseURL, maxRetries: 0, timeout: 20_000 });
const messages = [{ role: "user", content: "hello" }];
const chat = (body, options) => client.chat.completions.create({ model: "auto", messages, ...body }, options);
const say = (content) => ({ messages: [{ role: "user", content }] });
const tools = [
  { type: "function", function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } } },
];

async function collect(body) {
  const chunks = [];
  for await (const chunk of await chat({ stream: true, ...body })) chunks.push(chunk);
  return chunks;
}

async function fails(promise, kind, status, code) {
  await assert.rejects(promise, (e) => {
    assert.ok(e instanceof kind, e.constructor.name);
    assert.equal(e.status, status);
    if (code) assert.equal(e.code, code);
    return true;
  });
}

const checks = {
  async "an answer"() {
    const { data, response } = await chat({ seed: 1, stop: ["x"], user: "ada" }).withResponse();
    assert.equal(data.choices[0].message.content, "Hello there, friend.");
    assert.equal(data.usage.total_tokens, 15);
    assert.equal(response.headers.get("x-stepwell-tier"), "standard");
    assert.ok(Number(response.headers.get("x-stepwell-cost-usd")) > 0);
    assert.ok(response.headers.get("x-stepwell-why"));
    assert.equal(response.headers.get("x-stepwell-cache"), "off");
    assert.equal(data._request_id, response.headers.get("x-request-id"));
  },
  async "two choices"() {
    assert.equal((await chat({ n: 2 })).choices.length, 2);
  },
  async "a stream without usage"() {
    const chunks = await collect({});
    const text = chunks.map((c) => c.choices[0]?.delta.content ?? "").join("");
    assert.equal(text, "Hello there, friend.");
    assert.ok(chunks.every((c) => !c.usage));
  },
  async "a stream with usage"() {
    const chunks = await collect({ stream_options: { include_usage: true } });
    assert.equal(chunks.filter((c) => c.usage).length, 1);
    assert.equal(chunks.at(-1).usage.completion_tokens, 4);
    assert.deepEqual(chunks.at(-1).choices, []);
  },
  async "tools, and their result"() {
    const first = await chat({ tools });
    const call = first.choices[0].message.tool_calls[0];
    assert.equal(first.choices[0].finish_reason, "tool_calls");
    assert.equal(JSON.parse(call.function.arguments).city, "Oslo");
    const turns = [...messages, first.choices[0].message, { role: "tool", tool_call_id: call.id, content: "4 degrees" }];
    const second = await chat({ tools, messages: turns });
    assert.equal(second.choices[0].message.content, "It is 4 degrees.");
  },
  async "a streamed tool call"() {
    const runner = client.chat.completions.stream({ model: "auto", messages, tools });
    const final = await runner.finalChatCompletion();
    assert.equal(final.choices[0].message.tool_calls[0].function.name, "weather");
    assert.equal(JSON.parse(final.choices[0].message.tool_calls[0].function.arguments).unit, "C");
  },
  async "JSON by object and by schema"() {
    const schema = { type: "object", properties: { name: { type: "string" }, age: { type: "integer" } } };
    for (const response_format of [
      { type: "json_object" },
      { type: "json_schema", json_schema: { name: "person", strict: true, schema } },
    ]) {
      const parsed = await client.chat.completions.parse({ model: "auto", messages, response_format });
      assert.equal(JSON.parse(parsed.choices[0].message.content).name, "Ada");
    }
  },
  async "log probabilities and images"() {
    assert.equal((await chat({ logprobs: true })).choices[0].logprobs.content[0].logprob, -0.25);
    const content = [{ type: "text", text: "What?" }, { type: "image_url", image_url: { url: "data:image/png;base64,AA" } }];
    assert.ok((await chat(say(content))).choices[0].message.content);
  },
  async "a pinned tier"() {
    const { response } = await chat({ model: "premium" }).withResponse();
    assert.equal(response.headers.get("x-stepwell-tier"), "premium");
  },
  async "models"() {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    assert.ok(names.includes("auto") && names.includes("premium"));
    assert.equal((await client.models.retrieve("mock/talker")).id, "mock/talker");
    await fails(client.models.retrieve("nothing"), OpenAI.NotFoundError, 404, "model_not_found");
  },
  async "embeddings"() {
    for (const encoding_format of [undefined, "float", "base64"]) {
      const found = await client.embeddings.create({ model: "auto", input: ["a", "b"], encoding_format });
      assert.equal(found.data.length, 2);
      if (encoding_format !== "base64") assert.equal(found.data[0].embedding.length, 384);
    }
  },
  async "errors by class"() {
    await fails(chat({ temperature: 9 }), OpenAI.BadRequestError, 400);
    await fails(chat({ model: "nonsense" }), OpenAI.NotFoundError, 404, "model_not_found");
    await fails(chat(say("say 429")), OpenAI.RateLimitError, 429);
    await fails(chat(say("say 503")), OpenAI.InternalServerError, 503, "all_tiers_failed");
    await fails(chat({}, { headers: { "x-stepwell-max-usd": "1e-9" } }), OpenAI.APIError, 402, "budget_exceeded");
  },
  async "a stream that breaks"() {
    await assert.rejects(collect(say("break")), (e) => e instanceof OpenAI.APIError && e.code === "stream_broken");
  },
  async "leaving a stream"() {
    const stream = await chat({ stream: true });
    for await (const _ of stream) break;
    assert.ok(stream.controller.signal.aborted);
  },
};

let nFailed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok ${name}`);
  } catch (e) {
    nFailed += 1;
    console.log(`FAILED ${name}: ${e.stack ?? e}`);
  }
}
process.exit(nFailed ? 1 : 0);
