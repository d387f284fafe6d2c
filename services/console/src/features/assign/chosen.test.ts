import { describe, expect, it } from "vitest";
import { pastedIds } from "./chosen";

const [ONE, OTHER] = [
  "01a1faf5-ddf3-7694-9c17-c28306d032dc",
  "01a1faf5-edb9-7363-8396-fa8b88c8c79d",
];

describe("what is typed into the search for people", () => {
  it("is ids if it is nothing else, however they are separated, each once", () => {
    expect(pastedIds(` ${ONE}\n${OTHER.toUpperCase()}, ${ONE};`)).toEqual([ONE, OTHER]);
  });

  it("is a search for anything else", () => {
    expect(pastedIds("ada")).toBeNull();
    expect(pastedIds("")).toBeNull();
    expect(pastedIds(`ada ${ONE}`)).toBeNull();
    expect(pastedIds(ONE.slice(1))).toBeNull();
  });
});
