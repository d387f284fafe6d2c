import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import { show } from "@/testing/render";
import { server } from "@/testing/server";
import { SignInPage } from "./SignInPage";

it("asks for what is missing, beside its field, before it asks the server", async () => {
  show(<SignInPage />);
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  expect(screen.getByText("Enter your email address.")).toBeVisible();
  expect(screen.getByText("Enter your password.")).toBeVisible();
});

it("says beside a field what the server refused about it", async () => {
  const refusal = {
    code: "invalid_input",
    title: "The request is not valid",
    errors: [{ pointer: "#/email", detail: "That is too long." }],
  };
  server.use(http.post("/api/auth/login", () => HttpResponse.json(refusal, { status: 400 })));
  show(<SignInPage />);
  await userEvent.type(screen.getByLabelText("Email"), "ada@example.com");
  await userEvent.type(screen.getByLabelText("Password"), "guess");
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByText("That is too long.")).toBeVisible();
  expect(screen.getByLabelText("Email")).toBeInvalid();
  expect(screen.queryByRole("alert")).toBeNull();
});

it("says what the server refused, and keeps the address", async () => {
  const refusal = {
    code: "invalid_credentials",
    title: "Not signed in",
    detail: "Wrong password.",
  };
  server.use(http.post("/api/auth/login", () => HttpResponse.json(refusal, { status: 401 })));
  show(<SignInPage />);
  await userEvent.type(screen.getByLabelText("Email"), "ada@example.com");
  await userEvent.type(screen.getByLabelText("Password"), "guess");
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("Wrong password.");
  expect(screen.getByLabelText("Email")).toHaveValue("ada@example.com");
  expect(screen.getByLabelText("Password")).toHaveValue("");
});
