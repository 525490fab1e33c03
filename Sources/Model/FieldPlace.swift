// Where a header field is in the bytes of a message.

extension HeaderFields {
    /// Where a field lies in a message: its name, and its value without surrounding white space.
    package struct Place: Sendable {
        let name: Range<Int>
        package let value: Range<Int>
        let fold: UInt64

        /// - Parameter fold: of the name, as `FieldName.read` has it.
        package init(name: Range<Int>, value: Range<Int>, fold: UInt64) {
            (self.name, self.value, self.fold) = (name, value, fold)
        }

        package func moved(by count: Int) -> Place {
            Place(
                name: name.lowerBound + count..<name.upperBound + count,
                value: value.lowerBound + count..<value.upperBound + count, fold: fold)
        }
    }
}
