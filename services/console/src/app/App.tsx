import { MantineProvider, mergeThemeOverrides } from "@mantine/core";
import { ModalsProvider } from "@mantine/modals";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { newQueryClient } from "@/api/query";
import { SessionGate } from "@/features/session/SessionGate";
import { LiveProvider } from "@/live/LiveProvider";
import { router } from "./router";
import { schemes, theme, variables } from "./theme";

/** The whole console. */
export function App() {
  const [queries] = useState(newQueryClient);
  const { t } = useTranslation();
  const spoken = useMemo(() => {
    const closing = { defaultProps: { closeButtonProps: { "aria-label": t("app.close") } } };
    return mergeThemeOverrides(theme, {
      components: { Drawer: closing, Modal: closing, Notification: closing },
    });
  }, [t]);
  return (
    <MantineProvider
      theme={spoken}
      cssVariablesResolver={variables}
      colorSchemeManager={schemes}
      defaultColorScheme="auto"
    >
      <QueryClientProvider client={queries}>
        <SessionGate>
          <LiveProvider>
            <ModalsProvider>
              <RouterProvider router={router} />
              <Notifications position="bottom-left" limit={4} />
            </ModalsProvider>
          </LiveProvider>
        </SessionGate>
      </QueryClientProvider>
    </MantineProvider>
  );
}
