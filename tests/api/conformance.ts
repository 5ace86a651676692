import { Ajv2020 } from "ajv/dist/2020.js";
import { openApiOf } from "../../src/http/openapi.ts";
import { routes } from "../../src/http/routes.ts";
import type { Content } from "../../src/http/openapi_responses.ts";

const openApi = openApiOf(routes);

/** One answer, as the description of the API speaks of it. */
export interface DescribedAnswer {
  readonly status: number;
  /** Content type; "" for none. */
  readonly type: string;
  /** undefined when it is not known. */
  readonly body: string | undefined;
}

interface ResponseObject {
  readonly content?: Content;
}

interface Operation {
  readonly responses: Readonly<Record<string, ResponseObject & { readonly $ref?: string }>>;
}

const paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> = openApi.paths;
const sharedResponses: Readonly<Record<string, ResponseObject>> = openApi.components.responses;

const ajv = new Ajv2020({ formats: { int64: true, "date-time": true }, allowUnionTypes: true });
ajv.addVocabulary(Object.keys(openApi));
ajv.addSchema(openApi, "openapi");

/** How an answer contradicts the OpenAPI description; undefined when it does not. */
export function contradiction(
  method: string,
  pathAndQuery: string,
  answer: DescribedAnswer,
): string | undefined {
  if (method === "OPTIONS" || answer.status === 404) return undefined;
  const path = describedPath(pathAndQuery.replace(/\?.*/s, ""));
  if (path === undefined) return undefined;
  const operation = paths[path]?.[method.toLowerCase()];
  if (operation === undefined) {
    // Parameters that cannot be read come before the method.
    return [400, 405].includes(answer.status) ? undefined : `${method} ${path} is not described`;
  }
  const described = operation.responses[answer.status];
  if (described === undefined) return `status ${answer.status} is not described`;
  const name = described.$ref?.split("/").at(-1);
  const response = name === undefined ? described : sharedResponses[name];
  const wrong = contradictionIn(response?.content ?? {}, answer);
  // With a key the answer may be anything; without one it is the whole.
  if (wrong === undefined && pathAndQuery === "/status" && answer.status === 200) {
    return invalid("Status", answer.body);
  }
  return wrong;
}

/** The path itself, or the longest of those that it begins like. */
function describedPath(path: string): string | undefined {
  return Object.keys(paths).filter((known) => path.startsWith(known.replace(/\{\w+\}$/, "")))
    .sort((a, b) => b.length - a.length)[0];
}

function contradictionIn(
  content: Content,
  { type, body }: DescribedAnswer,
): string | undefined {
  if (body === undefined || body === "") return undefined;
  const mediaType = type.replace(/;.*/, "");
  const media = content[mediaType];
  if (media === undefined) return `a body of type "${mediaType}" is not described`;
  if (media.schema === undefined) return undefined;
  return mediaType === "application/json"
    ? schemaError(media.schema, JSON.parse(body))
    : schemaError(media.schema, body);
}

function invalid(schema: string, body: string | undefined): string | undefined {
  if (body === undefined) return undefined;
  return schemaError({ $ref: `#/components/schemas/${schema}` }, JSON.parse(body));
}

const validators = new Map<object, ReturnType<typeof ajv.compile>>();

function schemaError(schema: object, value: unknown): string | undefined {
  let validate = validators.get(schema);
  if (validate === undefined) {
    // References are to the description as a whole.
    validate = ajv.compile(
      JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"openapi#/')),
    );
    validators.set(schema, validate);
  }
  return validate(value) ? undefined : ajv.errorsText(validate.errors, { dataVar: "body" });
}
