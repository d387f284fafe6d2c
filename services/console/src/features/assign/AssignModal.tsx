import { Group, Modal, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type RefObject, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/api/client";
import { clock } from "@/api/clock";
import { Thumb } from "@/features/assets/AssetName";
import { operationQuery } from "@/features/operations/queries";
import { toastUndo } from "@/features/operations/undoToast";
import { Choice } from "./Choice";
import { Confirmation, wordsOf } from "./Confirmation";
import { type Given, useAssign } from "./queries";

interface Props {
  asset: Asset;
  opened: boolean;
  onClose: () => void;
}

/** The assignment modal: who is to have the asset; then what was done, and the way back. */
export function AssignModal({ asset, opened, onClose }: Props) {
  const { t } = useTranslation();
  const [given, setGiven] = useState<Given | null>(null);
  const queries = useQueryClient();
  const inSight = useInSight(opened);
  const offer = (done: Given) => {
    const known = queries.getQueryData(operationQuery(done.operationId).queryKey);
    if (!done.expiresAt || known?.status === "undone") return;
    if (clock.secondsUntil(done.expiresAt) > 0) {
      toastUndo(undoableOf(asset, done), wordsOf(done, asset.title, t));
    }
  };
  const assign = useAssign(asset.id, (done) => (inSight.current ? setGiven(done) : offer(done)));
  const close = () => {
    onClose();
    if (given) offer(given);
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      onExitTransitionEnd={() => setGiven(null)}
      size="lg"
      title={t("assign.title")}
      withinPortal
    >
      <Group wrap="nowrap" mb="md">
        <Thumb url={asset.thumbnail_url} size={88} />
        <Text fw={600} lineClamp={2}>
          {asset.title}
        </Text>
      </Group>
      {given ? (
        <Confirmation
          asset={asset}
          given={given}
          operation={undoableOf(asset, given)}
          onClose={close}
          onUndone={onClose}
        />
      ) : (
        <Choice asset={asset} assign={assign} onClose={onClose} />
      )}
    </Modal>
  );
}

/** Whether somebody would see a confirmation here: the modal may be closed while it is assigned. */
function useInSight(opened: boolean): RefObject<boolean> {
  const inSight = useRef(opened);
  useEffect(() => {
    inSight.current = opened;
    return () => {
      inSight.current = false;
    };
  }, [opened]);
  return inSight;
}

function undoableOf(asset: Asset, { operationId, users, expiresAt }: Given) {
  return { id: operationId, assetId: asset.id, users, expiresAt };
}
