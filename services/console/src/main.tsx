import "./app/styles";
import { createRoot } from "react-dom/client";
import { session } from "./api/session";
import { App } from "./app/App";
import { startWords } from "./app/i18n";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");
void session.refresh();
void startWords().then(() => createRoot(root).render(<App />));
