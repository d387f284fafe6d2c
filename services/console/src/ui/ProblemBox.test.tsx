import { screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { Problem } from "@/api/problem";
import { speak } from "@/app/i18n";
import { show } from "@/testing/render";
import { ProblemBox } from "./ProblemBox";

const TOLD = { title: "The undo window has expired", detail: "It ended at 12:00:30." };

afterEach(() => speak("en", { keep: false }));

it("says what a code means in the person's language, and else what the server says", async () => {
  await speak("de", { keep: false });
  show(<ProblemBox error={new Problem(400, { ...TOLD, code: "undo_window_expired" })} />);
  expect(screen.getByRole("alert")).toHaveTextContent("Die Frist ist vorbei");
  expect(screen.getByRole("alert")).not.toHaveTextContent(TOLD.detail);
});

it("says in English what the server says, who knows more than the code", () => {
  show(<ProblemBox error={new Problem(400, { ...TOLD, code: "undo_window_expired" })} />);
  expect(screen.getByRole("alert")).toHaveTextContent(`${TOLD.title}${TOLD.detail}`);
});

it("says what the server says, if it has a code that is newer than the page", async () => {
  await speak("de", { keep: false });
  show(<ProblemBox error={new Problem(409, { ...TOLD, code: "made_tomorrow" })} />);
  expect(screen.getByRole("alert")).toHaveTextContent(TOLD.detail);
});
