"""Resumable uploads: tus 1.0 over parts in the blob store, for any number of replicas.

What came is kept as parts in the blob store, each committed with the offset it moves, so whoever
answers next, on this machine or another, can go on, and an offset never tells of bytes that a
crash could take. The last part is not kept but put together with the others, and committed in
one transaction with the asset: an upload is complete if, and only if, its asset exists.

Nothing is locked while bytes arrive. A part is committed only if the offset is still where the
part begins; of two requests for the same place the first is kept and the second refused.

Local disk holds no more than a piece of a request under way (all of its body, if a checksum must
be compared first) and, while the last request is answered, the file being put together.
"""
