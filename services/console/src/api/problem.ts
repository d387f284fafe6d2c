/** One thing wrong with the input; `pointer` names the field as a JSON pointer: `#/email`. */
export interface InvalidField {
  pointer: string;
  detail: string;
}

/** What the server refused or could not do (RFC 9457), or that it could not be reached. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly traceId: string | undefined;
  readonly errors: readonly InvalidField[];
  /** Everything else that the answer said, such as `failures` of a bulk. */
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(status: number, told: Record<string, unknown>) {
    const { code, title, detail, trace_id, errors, ...extra } = told;
    super(String(detail ?? title ?? status));
    this.name = "Problem";
    this.status = status;
    this.code = typeof code === "string" ? code : "unknown";
    this.title = typeof title === "string" ? title : "";
    this.detail = typeof detail === "string" ? detail : this.title;
    this.traceId = typeof trace_id === "string" ? trace_id : undefined;
    this.errors = Array.isArray(errors) ? errors : [];
    this.extra = extra;
  }

  /** The problem that anything thrown is. */
  static of(error: unknown): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof TypeError) return new Problem(0, { code: "offline" });
    return new Problem(0, {
      code: "unexpected",
      detail: error instanceof Error ? error.message : "",
    });
  }

  /** The problem in the body of an answer, whatever stood in the way of saying it well. */
  static read(status: number, body: unknown): Problem {
    const told = typeof body === "object" && body !== null ? body : {};
    return new Problem(status, told as Record<string, unknown>);
  }

  /** Whether it may pass by itself: the connection, or a part of the server that is down. */
  get passing(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }

  /** What is wrong with the input by the name of its field: forms show it there. */
  get fields(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.errors.map(({ pointer, detail }) => [
        pointer.replace(/^#\/?/, "").replaceAll("/", "."),
        detail,
      ]),
    );
  }
}

/** What an error says of single fields; nothing, if there is no error or it is about the whole. */
export function refusalsOf(error: unknown): Readonly<Record<string, string>> {
  return error ? Problem.of(error).fields : {};
}
