import { setupServer } from "msw/node";

/** Stands where the API would; each test says what it answers. */
export const server = setupServer();
