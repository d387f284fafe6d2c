import { Button, type ButtonProps } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useIsMutating } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/api/client";
import { assigningKey } from "./queries";

const AssignModal = lazy(async () => ({ default: (await import("./AssignModal")).AssignModal }));

/** Opens the assignment modal; only a completed asset has it, and not while it is being given. */
export function AssignButton({ asset, ...looks }: ButtonProps & { asset: Asset }) {
  const { t } = useTranslation();
  const [opened, modal] = useDisclosure(false);
  const assigning = useIsMutating({ mutationKey: assigningKey(asset.id) }) > 0;
  if (asset.conversion_status !== "completed" || asset.deleted_at) return null;
  return (
    <>
      <Button
        leftSection={<UserPlus size={16} aria-hidden />}
        disabled={assigning}
        aria-busy={assigning}
        onClick={modal.open}
        {...looks}
      >
        {t("assign.button")}
      </Button>
      <Suspense>
        <AssignModal asset={asset} opened={opened} onClose={modal.close} />
      </Suspense>
    </>
  );
}
