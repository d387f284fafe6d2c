import { MantineProvider } from "@mantine/core";
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type RenderResult, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { newQueryClient } from "@/api/query";
import { theme } from "@/app/theme";

/** Renders with all that a component finds around it, but for router and live connection. */
export function show(shown: ReactNode, queries: QueryClient = newQueryClient()): RenderResult {
  return render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={queries}>{shown}</QueryClientProvider>
    </MantineProvider>,
  );
}
